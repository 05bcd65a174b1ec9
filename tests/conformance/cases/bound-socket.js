// BoundSocket: bound, not yet listening; adopted by listen().
// needs: node 26
'use strict';
const { attempt, log, net, watch } = require('../prelude');

const bound = new net.BoundSocket({ port: 0, host: '127.0.0.1' });
const { address, family, port } = bound.address();
log('bound', 'address', address, family, port > 0, bound.isPipe);
const server = watch('server', net.createServer());
server.listen(bound, () => {
  log('server', 'same port', server.address().port === port);
  attempt('bound', 'address', () => bound.address());
  server.close();
});
