// 'timeout' while connecting.
// needs: blackhole
'use strict';
const { blackhole, net, props, watch } = require('../prelude');

const client = watch('client', new net.Socket());
client.connect(blackhole(), '127.0.0.2');
client.setTimeout(40, () => {
  props('client', client, 'connecting');
  client.destroy();
});
