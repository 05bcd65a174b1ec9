// destroy() and end() inside 'close' change nothing.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.once('close', () => {
    client.destroy(new Error('late'));
    client.end();
  });
  client.destroy();
});
