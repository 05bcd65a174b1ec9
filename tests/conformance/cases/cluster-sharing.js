// Two workers share a port, and connections go round among them.
'use strict';
const { log, net } = require('../prelude');
const { ask, clustered, end, whenListening } = require('../clusters');

const serve = (own) => net.createServer((socket) => socket.end(String(own.id))).listen(0, '127.0.0.1');

clustered({ workers: 2, events: 'listening' }, serve, () => {
  whenListening(2, ({ port }) => {
    ask({ port, host: '127.0.0.1' }, 6, (answers) => {
      log('clients', 'answers', answers.length, answers.sort());
      end();
    });
  });
});
