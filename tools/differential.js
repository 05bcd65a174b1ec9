// Node's half of tools/differential.py: runs batches of programs with the real `net` and says what it saw.
//
// One line of JSON in for a batch, one out with the traces. All programs of a batch take their steps at the same time;
// between two steps the process settles. differential_runner.py is the same for netcompat, line by line where possible.
'use strict';
const net = require('node:net');
const readline = require('node:readline');
const stream = require('node:stream');
const zlib = require('node:zlib');

const SOCKET_EVENTS = ['connectionAttempt', 'connectionAttemptFailed', 'connect', 'ready', 'end', 'finish', 'timeout',
  'error', 'close', 'drain', 'pause', 'resume', 'pipe', 'unpipe'];
const SERVER_EVENTS = ['listening', 'drop', 'error', 'close'];
const SOCKET_PROPS = ['readyState', 'readable', 'writable', 'readableEnded', 'writableEnded', 'writableFinished',
  'readableFlowing', 'readableLength', 'writableLength', 'writableNeedDrain', 'destroyed', 'connecting', 'pending',
  'bytesRead', 'bytesWritten', 'timeout', 'readableHighWaterMark', 'writableHighWaterMark', 'allowHalfOpen',
  'remoteFamily', 'localFamily', 'remoteAddress', 'localAddress'];
const APART = /^(pause|resume|callback|finish|drain)/;      // what is told beside the data: see the rule 'halves-apart'
const RUNS = 20;         // of equal bytes, that are told one by one
const COUNTED = ['data', 'readable', 'timeout'];

stream.setDefaultHighWaterMark(false, 65536);        // as it is since version 22
let activity = 0;       // changes with everything that is logged

const snake = (name) => name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const fault = (error) => error ? error.code || error.message : null;

// What was received, in a form that is short and the same in both worlds: as it is, as runs of equal bytes or
// characters, or as a checksum.
function content(parts) {
  const text = typeof parts[0] === 'string';
  const data = text ? parts.join('') : Buffer.concat(parts);
  const kind = text ? 'text' : 'bytes';
  if (data.length <= 60) return { [kind]: text ? data : data.toString('latin1') };
  const runs = [];
  for (let begin = 0, end; begin < data.length && runs.length <= RUNS; begin = end) {
    for (end = begin + 1; end < data.length && data[end] === data[begin];) end++;
    runs.push([text ? data.charCodeAt(begin) : data[begin], end - begin]);
  }
  return { [kind]: data.length, ...(runs.length <= RUNS ? { runs } : { crc: zlib.crc32(text ? Buffer.from(data, 'utf16le') : data) }) };
}

class World {
  constructor(program) {
    this.program = program;
    this.things = {};           // name: object
    this.names = new Map();
    this.moment = {};           // name: what it had in this step
    this.steps = [];
    this.filled = 0;
    this.peers = 0;
    this.late = [];             // [name, event, listener] of those that steps have added
    const { client, server } = program;
    this.watch('server', new net.Server({ noDelay: true, ...this.options(server) }), SERVER_EVENTS);
    this.things.server.on('connection', (peer) => this.connection(peer));
    this.watch('client', new net.Socket({ noDelay: true, ...this.options(client) }), SOCKET_EVENTS);
    this.read('client', client.reader);
  }

  options(given) {
    const options = {};
    for (const name of ['allow_half_open', 'high_water_mark', 'pause_on_connect']) {
      if (given[name] !== undefined) options[camel(name)] = given[name];
    }
    return options;
  }

  watch(name, thing, events) {
    this.things[name] = thing;
    this.names.set(thing, name);
    for (const event of events) thing.on(event, (...args) => this.heard(name, event, args));
    if (thing.write) this.watchWrites(name, thing);
  }

  // How many writes were answered with false, those of pipes too.
  watchWrites(name, thing) {
    const { write } = thing;
    thing.write = (...args) => {
      const answer = write.apply(thing, args);
      if (answer === false) this.part(name).told.refused++;
      return answer;
    };
  }

  heard(name, event, args, label = '') {
    const entry = [event + label];
    if (event === 'error') entry.push(fault(args[0]));
    if (event === 'close' && name !== 'server') entry.push(args[0] ?? null);
    if (event === 'pipe' || event === 'unpipe') entry.push(this.names.get(args[0]) || null);
    if (event === 'connectionAttemptFailed') entry.push(fault(args[3]));
    if (event === 'data') return this.received(name, event + label, args[0]);
    this.log(name, entry);
  }

  part(name) {
    return this.moment[name] ??= { events: [], results: [], told: { refused: 0, largest: 0 } };
  }

  log(name, entry) {
    activity++;
    this.part(name).events.push(entry);
  }

  // Data that came in one step count as one piece, for each listener: nobody promises how bytes are cut.
  received(name, label, chunk) {
    activity++;
    const { events, told } = this.part(name);
    told.largest = Math.max(told.largest, chunk.length);
    for (let index = events.length - 1; index >= 0; index--) {
      const { parts } = events[index];
      if (APART.test(events[index][0])) continue;
      if (!parts) break;
      if (events[index][0] === label && typeof parts[0] === typeof chunk) return void parts.push(chunk);
    }
    const entry = [label];
    entry.parts = [chunk];
    events.push(entry);
  }

  connection(peer) {
    const name = 'peer' + ++this.peers;
    this.watch(name, peer, SOCKET_EVENTS);
    this.log('server', ['connection', name]);
    this.log(name, ['connection']);
    this.read(name, this.program.server.reader);
    for (const [op, ...args] of this.program.server.on_connection || []) this.perform(name, op, args, 'c');
  }

  read(name, how) {
    const thing = this.things[name];
    if (how === 'data' || how === 'echo') {
      thing.on('data', this['reader ' + name] = (chunk) => {
        this.received(name, 'data', chunk);
        if (how === 'echo' && thing.writable) thing.write(chunk);
      });
    } else if (how === 'readable') {
      thing.on('readable', this['reader ' + name] = () => this.readAll(name, ''));
    }
  }

  // One 'readable' and what was read, however many times it came in a row: as for 'data'.
  readAll(name, label) {
    const mark = 'read' + label;
    let heard = this.part(name).events.findLast((entry) => !APART.test(entry[0]))?.[0] !== mark;
    if (heard) this.log(name, ['readable' + label]);
    for (let chunk; (chunk = this.things[name].read()) !== null; heard = true) this.received(name, mark, chunk);
    if (!heard) this.log(name, ['readable' + label]);
  }

  data(spec) {
    const [kind, value, encoding] = spec;
    if (kind === 'text') return encoding ? [value, encoding] : [value];
    if (kind === 'raw') return [Buffer.from(value, 'latin1')];
    return [Buffer.alloc(value, 97 + this.filled++ % 26)];
  }

  callback(name, label, wanted) {
    return wanted ? [(error) => this.log(name, ['callback', label, fault(error)])] : [];
  }

  target(who) {
    return who === 'peer' ? 'peer' + this.peers : who;
  }

  step(index) {
    const [who, op, ...args] = this.program.steps[index];
    const name = this.target(who);
    if (this.things[name]) this.perform(name, op, args, String(index));
  }

  perform(name, op, args, label) {
    let result;
    try {
      result = this.call(name, this.things[name], op, args, `${op}@${label}`);
    } catch (error) {
      result = { raised: fault(error) };
    }
    if (result === this.things[name]) result = 'self';
    if (result !== undefined) this.part(name).results.push([op, result === null ? null : result]);
  }

  call(name, thing, op, args, label) {
    switch (op) {
      case 'write': return thing.write(...this.data(args[0]), ...this.callback(name, label, args[1]));
      case 'end': return thing.end(...(args[0] ? this.data(args[0]) : []), ...this.callback(name, label, args[1]));
      case 'destroy': return args[0] ? thing.destroy(new Error('boom')) : thing.destroy();
      case 'destroy_soon': case 'cork': case 'uncork': return void thing[camel(op)]();
      case 'reset_and_destroy': case 'pause': case 'resume': case 'ref': case 'unref': return thing[camel(op)]();
      case 'set_encoding': case 'set_no_delay': case 'set_keep_alive': return thing[camel(op)](...args);
      case 'set_timeout': return thing.setTimeout(args[0], ...this.callback(name, label, args[1]));
      case 'read': {
        const chunk = thing.read(...args);
        return chunk === null ? null : content([chunk]);
      }
      case 'pipe': return void thing.pipe(thing, { end: args[0] });
      case 'unpipe': return thing.unpipe();
      case 'emit': return thing.emit(args[0]);
      case 'on': case 'once': case 'prepend': return this.listen(name, thing, op, args[0], label);
      case 'off': return this.off(name, thing, args[0]);
      case 'when': return this.when(name, thing, args[0], args[1], label);
      case 'together': {
        for (const [inner, ...rest] of args) this.perform(name, inner, rest, label);
        return undefined;
      }
      case 'connect': {
        const open = !thing.destroyed && (thing.connecting || !thing.pending);
        if (open && args[1]) return undefined;
        const result = thing.connect(this.port || 1, this.program.host, ...this.callback(name, label, args[0]));
        return open ? 'open' : result;
      }
      case 'listen': return thing.listen(0, this.program.host, ...this.callback(name, label, args[0]));
      case 'close': return thing.close(...this.callback(name, label, args[0]));
      case 'get_connections':
        return void thing.getConnections((error, count) => this.log(name, ['callback', label, fault(error), count]));
      case 'max_connections': return void (thing.maxConnections = args[0] ?? undefined);
      default: throw new Error('unknown operation ' + op);
    }
  }

  listen(name, thing, op, event, label) {
    const mark = '#' + label;
    const listener = event === 'readable' ? () => this.readAll(name, mark)
      : (...args) => this.heard(name, event, args, mark);
    this.late.push([name, event, listener]);
    return thing[op === 'prepend' ? 'prependListener' : op](event, listener);
  }

  // Take off the reader from the start, or the youngest listener that a step has added.
  off(name, thing, event) {
    for (let index = this.late.length - 1; index >= 0; index--) {
      const [who, what, listener] = this.late[index];
      if (who === name && what === event) {
        this.late.splice(index, 1);
        return thing.off(event, listener);
      }
    }
    const reader = this['reader ' + name];
    return reader ? thing.off(event, reader) : undefined;
  }

  when(name, thing, event, [op, ...args], label) {
    thing.once(event, (chunk) => {
      const { told } = this.part(name);
      if (event === 'data') told.largest = Math.max(told.largest, chunk.length);
      this.log(name, [`${event}#${label}`]);
      this.perform(name, op, args, label);
    });
  }

  tidy() {
    for (const [name, thing] of Object.entries(this.things)) {
      if (name === 'server') this.things.server.listening && thing.close();
      else thing.destroy();
    }
  }

  signature() {
    let sum = 0;
    for (const [name, thing] of Object.entries(this.things)) {
      if (name !== 'server') sum += thing.bytesRead + thing.writableLength + (thing._handle?.writeQueueSize ?? 0);
    }
    return sum;
  }

  // The step is over: note what each object had and what it says of itself.
  note() {
    if (this.things.server.address()) this.port = this.things.server.address().port;
    const step = {};
    for (const [name, thing] of Object.entries(this.things)) {
      const { events, results, told } = this.part(name);
      const props = {};
      if (name === 'server') {
        Object.assign(props, { listening: thing.listening, connections: thing._connections,
                               address: thing.address() !== null });
      } else {
        for (const prop of SOCKET_PROPS) props[snake(prop)] = thing[prop] ?? null;
        props.is_paused = thing.isPaused();
        props.server = thing.server ? this.names.get(thing.server) ?? '?' : null;
        for (const event of COUNTED) props['listeners ' + event] = thing.listenerCount(event);
      }
      const decoder = thing._readableState?.decoder;
      told.begun = decoder ? decoder.lastTotal - decoder.lastNeed : 0;     // bytes of a character to come
      step[name] = { events: events.map((entry) => entry.parts ? [entry[0], content(entry.parts)] : entry), results,
                     props, told };
    }
    this.steps.push(step);
    this.moment = {};
  }
}

const turn = () => new Promise((done) => setImmediate(done));
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Until nothing happens any more: some rounds of the event loop without an event and without a byte that moved, then a
// pause, and some more of them. Loopback delivers inside the system call that sends, so that is enough.
async function settle(worlds, { linger, patience }) {
  const limit = Date.now() + 5000;
  const state = () => activity + worlds.reduce((sum, world) => sum + world.signature(), 0);
  const rounds = async (count) => {
    for (let quiet = 0; quiet < count && Date.now() < limit;) {
      const before = state();
      await turn();
      quiet = state() === before ? quiet + 1 : 0;
    }
  };
  await rounds(6);
  for (let before = -1; before !== state() && Date.now() < limit;) {
    before = state();
    await sleep(Math.max(linger, patience));
    await rounds(3);
  }
}

async function run(batch) {
  const worlds = batch.programs.map((program) => new World(program));
  for (const world of worlds) world.perform('server', 'listen', [false], 'start');
  await settle(worlds, batch);
  for (const world of worlds) world.note();
  const longest = Math.max(...batch.programs.map((program) => program.steps.length));
  for (let index = 0; index <= longest; index++) {
    const busy = worlds.filter((world) => index <= world.program.steps.length);
    for (const world of busy) index < world.program.steps.length ? world.step(index) : world.tidy();
    await settle(worlds, batch);
    for (const world of busy) world.note();
  }
  return worlds.map((world) => world.steps);
}

process.on('uncaughtException', (error) => {
  process.stderr.write(`uncaught: ${error.stack}\n`);
  process.exit(70);
});
process.on('warning', () => {});

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify({ traces: await run(JSON.parse(line)) }) + '\n');
  }
  process.exit(0);
})();
