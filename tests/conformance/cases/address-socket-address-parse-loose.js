// SocketAddress.parse(): what only a URL parser would read.
// difference: parse-strict: parse reads the four documented forms and nothing looser; Node hands the text to its URL
//   parser, which reads 127.1, user names and paths
'use strict';
const { log, net } = require('../prelude');

for (const text of ['127.1', '1.2.3.4/path', 'user@1.2.3.4', '0x7f000001', ' 1.2.3.4 ', '1.2.3.4:']) {
  log('address', 'parse', text, net.SocketAddress.parse(text));
}
