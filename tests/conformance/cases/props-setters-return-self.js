// The setters return the socket.
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'setNoDelay', () => client.setNoDelay(true));
  attempt('client', 'setKeepAlive', () => client.setKeepAlive(true, 1000));
  attempt('client', 'setTimeout', () => client.setTimeout(0));
  attempt('client', 'setEncoding', () => client.setEncoding('utf8'));
  attempt('client', 'pause', () => client.pause());
  attempt('client', 'resume', () => client.resume());
  attempt('client', 'ref', () => client.ref());
  attempt('client', 'unref', () => client.unref().ref());
  client.end();
});
