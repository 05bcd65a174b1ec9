// What the cases on Node's side share: one line of JSON for each thing that happened, in the vocabulary of the traces.
//
// The vocabulary is netcompat's (snake_case). Ports and temporary paths are named, not printed, so that two runs give
// the same lines. prelude.py offers the same helpers to the other side; tools/conformance.py runs and compares.
'use strict';
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { createHash } = require('node:crypto');

const SOCKET_EVENTS = 'connect end finish timeout error close';
const SERVER_EVENTS = 'listening drop error close';
const TEMPORARY = process.env.CONFORMANCE_TMP || fs.mkdtempSync('/tmp/conformance-');

const names = new Map();        // object: the name that watch() gave it
const ports = new Map();        // port number: what it is called in the trace

const snake = (name) => name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());

function text(value) {
  value = value.replaceAll(TEMPORARY, '<tmp>');
  for (const [number, name] of ports) value = value.replaceAll(':' + number, `:<${name}>`);
  return value.replace(/:\d{5}\b/g, ':<port>');
}

function fault(error) {
  if (error.errors) return { code: error.code, errors: error.errors.map(fault) };
  if (error.syscall) return { code: error.code, syscall: error.syscall, message: text(error.message) };
  return error.code ? { code: error.code } : { message: text(error.message) };
}

function plain(value, key = '') {
  if (value === undefined || value === null) return null;
  if (typeof value === 'function') return '<function>';
  if (typeof value === 'number' && key.endsWith('port') && value > 1023) return `<${ports.get(value) ?? 'port'}>`;
  if (typeof value === 'number') return ports.has(value) ? `<${ports.get(value)}>` : value;
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object') return value;
  if (names.has(value)) return '@' + names.get(value);
  if (value instanceof Error) return { error: fault(value) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('latin1') };
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (value instanceof net.SocketAddress) {
    value = { address: value.address, family: value.family, flowlabel: value.flowlabel, port: value.port };
  }
  const out = {};
  for (const name of Object.keys(value)) {
    if (value[name] !== undefined && value[name] !== null) out[snake(name)] = plain(value[name], snake(name));
  }
  return out;
}

// One line of the trace.
function log(who, what, ...args) {
  const line = JSON.stringify({ who, what, args: args.map((value) => plain(value)) }) + '\n';
  for (let rest = Buffer.from(line); rest.length;) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

// Log an emitter's events from now on: the usual ones and those in `more`.
function watch(who, emitter, more = '') {
  names.set(emitter, who);
  const usual = emitter instanceof net.Server ? SERVER_EVENTS : emitter instanceof net.Socket ? SOCKET_EVENTS : '';
  for (const event of `${usual} ${more}`.split(' ').filter(Boolean)) {
    emitter.on(event, (...args) => {
      if (event === 'close' && emitter instanceof net.Socket) args = [Boolean(args[0])];
      log(who, event, ...args);
    });
  }
  return emitter;
}

// Log properties as they are at this moment.
function props(who, object, list) {
  const out = {};
  for (const name of list.split(' ')) out[snake(name)] = plain(object[name], snake(name));
  log(who, 'props', out);
}

// Log what a call returns, or the error that it throws.
function attempt(who, what, call) {
  let result;
  try {
    result = call();
  } catch (error) {
    log(who, what, 'raises', fault(error));
    return undefined;
  }
  log(who, what, 'returns', result);
  return result;
}

// A callback that logs its arguments.
const cb = (who, what) => (...args) => log(who, what, ...args);

const callPort = (number, name) => {
  ports.set(number, name);
  return number;
};

// Let `server` listen on the loopback; run body(port) when it does.
function listen(server, body, ...more) {
  watch('server', server);
  server.listen(0, ...(more.length ? more : ['127.0.0.1']), () => body(callPort(server.address().port, 'server')));
  return server;
}

// Run body(client, peer, server) on a connected pair; the server stops listening then, unless `keep` is set.
function pair(options, body) {
  const { server: serverOptions = {}, client: clientOptions = {}, events = '', keep = false } = options;
  let peer;
  let ready = false;
  const server = net.createServer(serverOptions);
  const start = () => {
    if (!ready || !peer) return;
    if (!keep) server.close();
    body(client, peer, server);
  };
  let client;
  server.on('connection', (socket) => {
    if (peer) return socket.resume().on('error', () => {});
    peer = watch('peer', socket, events);
    start();
  });
  listen(server, (port) => {
    client = watch('client', net.connect({ port, host: '127.0.0.1', ...clientOptions }), events);
    client.on('ready', () => {
      ready = true;
      start();
    });
  });
}

// A pair whose two ends know nothing of each other: at.peer(peer) and at.client(client) are called before anything
// has arrived. The two may run in programs of their own, one of them in the other language (CONFORMANCE_ROLE).
function ends(options, at) {
  const { server: serverOptions = {}, client: clientOptions = {}, events = '' } = options;
  const role = process.env.CONFORMANCE_ROLE;
  const start = (port) => {
    const client = watch('client', new net.Socket(clientOptions), events);
    client.connect(port, '127.0.0.1');
    at.client?.(client);
  };
  if (role === 'client') return start(callPort(Number(process.env.CONFORMANCE_PORT), 'server'));
  const server = net.createServer(serverOptions, (peer) => {
    server.close();
    watch('peer', peer, events);
    at.peer?.(peer);
  });
  listen(server, (port) => {
    if (role !== 'server') return start(port);
    fs.writeFileSync(tmp('port.new'), String(port));
    fs.renameSync(tmp('port.new'), tmp('port'));
  });
}

// Read everything and log how much it was, and its hash, at the end.
function receive(who, socket) {
  const hash = createHash('sha1');
  let total = 0;
  socket.on('data', (chunk) => {
    hash.update(chunk);
    total += chunk.length;
  });
  socket.on('end', () => log(who, 'received', total, hash.digest('hex').slice(0, 12)));
}

// A timer: for time-outs, and for seeing that nothing happens; never to wait for something.
const later = (milliseconds, body) => setTimeout(body, milliseconds);

// Wait for a state that no event tells of.
function until(reached, body) {
  const timer = setInterval(() => {
    if (!reached()) return;
    clearInterval(timer);
    body();
  }, 5);
}

// A path in the case's own folder.
const tmp = (name) => path.join(TEMPORARY, name);

// A port on which connects to 127.0.0.2 hang (the case says `needs: blackhole`).
const blackhole = () => callPort(Number(process.env.CONFORMANCE_BLACKHOLE), 'blackhole');

module.exports = { attempt, blackhole, callPort, cb, ends, later, listen, log, net, pair, props, receive, tmp, until, watch };
