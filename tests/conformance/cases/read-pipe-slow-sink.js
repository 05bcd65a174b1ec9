// pipe to a sink that is slow and small: all arrives.
'use strict';
const { log, pair } = require('../prelude');
const stream = require('node:stream');

pair({}, (client, peer) => {
  let total = 0;
  const sink = new stream.Writable({ highWaterMark: 1024, write(chunk, encoding, done) {
    total += chunk.length;
    setImmediate(done);
  } });
  sink.on('finish', () => log('sink', 'finish', total));
  client.pipe(sink);
  peer.end(Buffer.alloc(1 << 20, 'x'));
});
