// The contestant "node" of bench.py; the command line and the roles are those of bench_servers.py.
'use strict';
const net = require('node:net');
const CHUNK = Buffer.alloc(65536, 'x');

const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const roles = {
  quick: () => (socket) => socket.on('data', (chunk) => socket.write(chunk)),
  nap: (seconds) => (socket) => socket.on('data', (chunk) => { sleep(seconds * 1000); socket.write(chunk); }),
  sink: () => (socket) => socket.resume(),
  source: (bytes) => (socket) => {
    let left = bytes;
    const more = () => {
      while (left) {
        const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
        left -= chunk.length;
        if (!socket.write(chunk) && left) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    more();
  },
};

const words = process.argv.slice(2);
if (words[0] === 'receive') {
  const began = process.hrtime.bigint();
  let total = 0;
  const client = /^\d+$/.test(words[1]) ? net.connect(+words[1], '127.0.0.1') : net.connect(words[1]);
  client.on('data', (chunk) => { total += chunk.length; });
  client.on('end', () => {
    console.log(JSON.stringify({ bytes: total, rate: total / (Number(process.hrtime.bigint() - began) / 1e9) }));
  });
} else {
  const servers = [];
  for (let i = 0; i < words.length; i += 2) {
    const [kind, value] = words[i + 1].split(':');
    const onConnection = roles[kind](Number(value));
    const server = net.createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});      // a load that goes away without a goodbye
      onConnection(socket);
    });
    const where = words[i] === 'tcp' ? { port: 0, host: '127.0.0.1' } : { path: words[i] };
    server.listen({ ...where, backlog: 1024 }, () => {
      if (servers.every((each) => each.listening)) {
        console.log(servers.map((each) => each.address().port || each.address()).join(' '));
      }
    });
    servers.push(server);
  }
}
