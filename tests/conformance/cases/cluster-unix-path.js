// Two workers share a Unix path.
'use strict';
const { log, net, tmp } = require('../prelude');
const { ask, clustered, end, whenListening } = require('../clusters');

const serve = (own) => net.createServer((socket) => socket.end(String(own.id))).listen(tmp('shared.sock'));

clustered({ workers: 2, events: 'listening' }, serve, () => {
  whenListening(2, () => {
    ask({ path: tmp('shared.sock') }, 4, (answers) => {
      log('clients', 'answers', answers.sort());
      end();
    });
  });
});
