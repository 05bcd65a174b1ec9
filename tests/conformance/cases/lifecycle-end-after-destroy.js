// end() after destroy(): its callback gets ERR_STREAM_DESTROYED, no event.
// difference: callbacks-always-called: every callback is called, with an error where the call came too late; Node
//   forgets this one
'use strict';
const { cb, pair } = require('../prelude');

pair({ events: 'data' }, (client) => {
  client.destroy();
  client.end(cb('callback', 'ended'));
});
