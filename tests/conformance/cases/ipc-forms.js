// The forms of listen() and connect() with a path.
'use strict';
const { log, net, tmp, watch } = require('../prelude');

const server = watch('server', net.createServer((peer) => peer.end()));
server.listen({ path: tmp('a.sock') }, () => {
  const forms = [[tmp('a.sock')], [{ path: tmp('a.sock') }]];
  const next = (index) => {
    if (index === forms.length) return server.close();
    const client = net.connect(...forms[index], () => log('client', `form ${index}`));
    client.resume().on('close', () => next(index + 1));
  };
  next(0);
});
