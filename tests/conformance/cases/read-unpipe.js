// unpipe() stops the flow; the source is paused.
'use strict';
const { cb, later, log, pair } = require('../prelude');
const stream = require('node:stream');

pair({}, (client, peer) => {
  const sink = new stream.Writable({ write(chunk, encoding, done) {
    log('sink', 'data', chunk);
    client.unpipe(sink);
    log('client', 'flowing', client.readableFlowing);
    later(20, () => {
      peer.end('two');
      client.on('data', cb('client', 'data'));
      client.resume();
    });
    done();
  } });
  sink.on('unpipe', () => log('sink', 'unpipe'));
  client.pipe(sink);
  peer.write('one');
});
