// No character is torn between chunks (UTF-8).
'use strict';
const { cb, pair } = require('../prelude');

pair({}, (client, peer) => {
  const bytes = Buffer.from('a\u20ac\u{1f600}b');
  let at = 0;
  const next = () => (at < bytes.length ? peer.write(bytes.subarray(at, ++at)) : peer.end());
  client.setEncoding('utf8');
  client.on('data', cb('client', 'data'));
  const timer = setInterval(() => {
    next();
    if (at === bytes.length) {
      clearInterval(timer);
      peer.end();
    }
  }, 10);
});
