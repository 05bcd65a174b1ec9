// A worker that ends with a status: 'disconnect' and 'exit', with the status.
// order: any
'use strict';
const { clustered } = require('../clusters');

clustered({ events: 'online disconnect exit' }, () => process.exit(3), () => {});
