// What the cases of Node's `cluster` share, beside prelude.js; clusters.py offers the same to the other side.
'use strict';
const cluster = require('node:cluster');
const { log, net } = require('./prelude');

const EVENTS = ['fork', 'online', 'listening', 'message', 'disconnect', 'exit'];

// What of an event's arguments is compared: an address is called otherwise on the other side.
const shown = (event, [first, ...rest]) => {
  if (event === 'message') return [first];
  return event === 'listening' ? [{ address: first.address, port: first.port > 0 ? first.port : undefined }] : [first, ...rest];
};

// In the primary: start workers and run body(cluster, workers); `events` of each worker are logged. In a worker: serve(own).
function clustered({ workers = 1, events = '', policy = cluster.SCHED_RR }, serve, body) {
  if (!cluster.isPrimary) return serve(cluster.worker);
  cluster.schedulingPolicy = policy;
  for (const event of EVENTS.filter((name) => events.split(' ').includes(name))) {
    cluster.on(event, (worker, ...args) => log(`worker ${worker.id}`, event, ...shown(event, args)));
  }
  body(cluster);
  for (let i = 0; i < workers; i++) cluster.fork();
}

// Run body(list) when `count` messages have come from the workers; the list is sorted by the workers' numbers.
function collect(count, body) {
  const got = [];
  cluster.on('message', (worker, message) => {
    got.push([worker.id, message]);
    if (got.length === count) body(got.sort((a, b) => a[0] - b[0]).map((pair) => pair[1]));
  });
}

// Run body(address) when `count` workers listen.
function whenListening(count, body) {
  cluster.on('listening', (worker, address) => {
    if (--count === 0) body(address);
  });
}

// Let every worker end.
const end = () => Object.values(cluster.workers).forEach((worker) => worker.disconnect());

// Connect to one place after another; body(answers) has what each peer said until it ended.
function ask(place, count, body, answers = []) {
  if (answers.length === count) return body(answers);
  let answer = '';
  net.connect(place).setEncoding('utf8').on('data', (data) => { answer += data; })
    .on('close', () => ask(place, count, body, [...answers, answer]));
}

const NONE = cluster.SCHED_NONE;

module.exports = { NONE, ask, clustered, collect, end, whenListening };
