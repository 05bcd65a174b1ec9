// A signal aborts an open connection, with its reason as the cause.
'use strict';
const { log, pair } = require('../prelude');

const controller = new AbortController();
pair({ client: { signal: controller.signal }, events: 'data' }, (client) => {
  client.on('error', (error) => log('client', 'cause', error.cause));
  controller.abort(new Error('enough'));
});
