// The client says something and ends.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { client: (client) => client.end('bye') });
