// A conversation: each answers what it hears.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, {
  peer: (peer) => peer.on('data', (chunk) => peer.write(String(chunk.length + 1))),
  client: (client) => {
    let turn = 0;
    client.on('connect', () => client.write('x'));
    client.on('data', () => {
      turn += 1;
      if (turn < 5) client.write('x'.repeat(turn));
      else client.end();
    });
  },
});
