// writableLength of text that is queued in an encoding.
// difference: writable-length-bytes: writable_length counts bytes, as the documentation says; Node counts the
//   characters of text that is not encoded yet
'use strict';
const { pair, props } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.cork();
  client.write('6869', 'hex');
  client.write('h\u00e9');
  props('client', client, 'writableLength');
  client.end();
});
