// No character is torn between chunks (UTF-16, a surrogate pair).
'use strict';
const { cb, later, pair } = require('../prelude');

pair({}, (client, peer) => {
  const bytes = Buffer.from('a\u{1f600}b', 'utf16le');
  client.setEncoding('utf16le');
  client.on('data', cb('client', 'data'));
  const step = (at) => {
    peer.write(bytes.subarray(at, at + 3));
    if (at + 3 < bytes.length) later(15, () => step(at + 3));
    else peer.end();
  };
  step(0);
});
