// Text is UTF-8.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.write('h\u00e9 \u20ac \u{1f600}');
  client.end();
});
