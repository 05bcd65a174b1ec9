// Both end at the same moment.
// order: any
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { peer: (peer) => peer.end('from server'), client: (client) => client.end('from client') });
