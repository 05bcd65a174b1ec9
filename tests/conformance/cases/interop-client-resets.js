// The client resets.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { client: (client) => client.on('connect', () => client.resetAndDestroy()) });
