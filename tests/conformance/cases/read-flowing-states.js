// readableFlowing and isPaused() through the life of a socket.
'use strict';
const { log, pair } = require('../prelude');

pair({}, (client, peer) => {
  const look = () => log('client', 'flowing', client.readableFlowing, client.isPaused());
  look();
  client.pause();
  look();
  client.resume();
  look();
  client.on('data', () => {});
  look();
  client.pause();
  look();
  client.resume();
  client.on('end', look);
  client.on('close', look);
  peer.end();
});
