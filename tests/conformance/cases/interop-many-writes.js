// Five thousand small writes keep their order.
'use strict';
const { ends, receive } = require('../prelude');

ends({}, {
  peer: (peer) => receive('peer', peer),
  client: (client) => {
    client.resume();
    for (let number = 0; number < 5000; number++) client.write(`line ${number}\n`);
    client.end();
  },
});
