// Strings in Node's encodings.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  const list = [['68c3a9', 'hex'], ['aMOp', 'base64'], ['aMOp', 'base64url'], ['h\u00e9', 'latin1'],
    ['h\u00e9', 'binary'], ['h\u00e9', 'utf16le'], ['h\u00e9', 'ucs2'], ['h\u00e9', 'utf8'], ['h\u00e9', 'utf-8'],
    ['h\u00e9', 'ascii'], ['H\u00e9', 'UTF8']];
  for (const [data, encoding] of list) client.write(data, encoding);
  client.end();
});
