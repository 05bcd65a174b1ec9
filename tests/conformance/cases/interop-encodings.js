// Text in Node's encodings.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { client: (client) => {
  client.write('68c3a9', 'hex');
  client.write('aMOp', 'base64');
  client.write('h\u00e9', 'latin1');
  client.end('h\u00e9', 'utf16le');
} });
