// Two thousand small writes keep their order.
'use strict';
const { pair, receive } = require('../prelude');

pair({}, (client, peer) => {
  receive('peer', peer);
  client.resume();
  for (let number = 0; number < 2000; number++) client.write(`line ${number}\n`);
  client.end();
});
