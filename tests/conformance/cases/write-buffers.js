// Every kind of buffer.
'use strict';
const { pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.write(Buffer.from('buffer '));
  client.write(new Uint8Array([98, 121, 116, 101, 115, 32]));
  client.write(new DataView(new Uint8Array([118, 105, 101, 119]).buffer));
  client.end();
});
