// The server ends an idle connection.
'use strict';
const { ends } = require('../prelude');

ends({ events: 'data' }, { peer: (peer) => peer.setTimeout(60, () => peer.setTimeout(0).end('idle')) });
