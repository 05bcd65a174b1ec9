// The remote address after 'close', when nobody had read it.
// difference: remote-known: the remote values stay readable after close if they were ever known, so that no listener
//   races with the close of its connection; Node forgets what was not read
'use strict';
const { listen, net, props } = require('../prelude');

const server = net.createServer((peer) => {
  peer.resume();
  peer.on('close', () => props('peer', peer, 'remoteAddress remoteFamily'));
  server.close();
});
listen(server, (port) => net.connect(port, '127.0.0.1').resume().end());
