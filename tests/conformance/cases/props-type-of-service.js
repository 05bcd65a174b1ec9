// setTypeOfService() and getTypeOfService().
// needs: node 26
'use strict';
const { attempt, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  attempt('client', 'get', () => client.getTypeOfService());
  attempt('client', 'set', () => client.setTypeOfService(16));
  attempt('client', 'get', () => client.getTypeOfService());
  attempt('client', 'set 256', () => client.setTypeOfService(256));
  attempt('client', 'set x', () => client.setTypeOfService('x'));
  client.end();
});
