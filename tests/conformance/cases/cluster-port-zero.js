// Port 0 is the same port for all workers; a second server on port 0 has another one, again the same for all.
'use strict';
const { log, net } = require('../prelude');
const { clustered, collect, end } = require('../clusters');

const serve = (own) => {
  const first = net.createServer().listen(0, '127.0.0.1', () => {
    const second = net.createServer().listen(0, '127.0.0.1', () => {
      own.send([first.address().port, second.address().port]);
    });
  });
};

clustered({ workers: 2 }, serve, () => {
  collect(2, ([one, other]) => {
    log('ports', 'first', one[0] === other[0]);
    log('ports', 'second', one[1] === other[1]);
    log('ports', 'distinct', one[0] !== one[1]);
    end();
  });
});
