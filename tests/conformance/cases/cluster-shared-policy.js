// Two workers accept from one shared socket: each connection is served.
'use strict';
const { log, net } = require('../prelude');
const { NONE, ask, clustered, end, whenListening } = require('../clusters');

const serve = (own) => net.createServer((socket) => socket.end(String(own.id))).listen(0, '127.0.0.1');

clustered({ workers: 2, events: 'listening', policy: NONE }, serve, () => {
  whenListening(2, ({ port }) => {
    ask({ port, host: '127.0.0.1' }, 6, (answers) => {
      log('clients', 'answers', answers.length, answers.every((answer) => '12'.includes(answer)));
      end();
    });
  });
});
