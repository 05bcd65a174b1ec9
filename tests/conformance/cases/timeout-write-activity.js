// Writes put the time-out off.
'use strict';
const { later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.setTimeout(1500);
  const beat = (left) => {
    if (left === 0) {
      client.setTimeout(0);
      return client.end();
    }
    client.write('x');
    later(250, () => beat(left - 1));
  };
  beat(8);
});
