// A local port that is in use.
'use strict';
const { callPort, net, watch } = require('../prelude');

const first = net.createServer().listen(0, '127.0.0.1', () => {
  const localPort = callPort(first.address().port, 'taken');
  const client = watch('client', new net.Socket());
  client.connect({ port: 1, host: '127.0.0.1', localAddress: '127.0.0.1', localPort });
  client.on('close', () => first.close());
});
