// A signal that aborts after 'close' changes nothing.
'use strict';
const { log, pair } = require('../prelude');

const controller = new AbortController();
pair({ client: { signal: controller.signal }, events: 'data' }, (client) => {
  client.on('close', () => {
    controller.abort();
    log('client', 'aborted', controller.signal.aborted);
  });
  client.end();
});
