// A connection keeps the program alive until it is closed.
'use strict';
const { later, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  const timer = later(80, () => client.end());
  timer.unref();
});
