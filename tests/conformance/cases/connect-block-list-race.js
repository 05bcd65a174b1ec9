// A block list and the family race: blocked addresses are passed over.
// needs: ipv6
'use strict';
const { listen, net, watch } = require('../prelude');

const blockList = new net.BlockList();
blockList.addAddress('::1', 'ipv6');
const server = net.createServer((peer) => peer.end());
listen(server, (port) => {
  const client = watch('client', net.connect({ port, host: 'a.test', blockList, lookup: (host, options, done) => {
    process.nextTick(done, null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]);
  } }));
  client.resume().on('close', () => server.close());
});
