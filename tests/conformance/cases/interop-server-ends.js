// The server says something and ends.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { peer: (peer) => peer.end('bye') });
