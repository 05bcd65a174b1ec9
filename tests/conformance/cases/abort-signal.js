// AbortController, AbortSignal: reason, aborted, 'abort' once.
'use strict';
const { attempt, log } = require('../prelude');

const controller = new AbortController();
log('signal', 'aborted', controller.signal.aborted);
controller.signal.addEventListener('abort', () => log('signal', 'abort'));
controller.abort(new Error('reason'));
controller.abort(new Error('another'));
log('signal', 'aborted', controller.signal.aborted, controller.signal.reason);
attempt('signal', 'throwIfAborted', () => controller.signal.throwIfAborted());
attempt('other', 'throwIfAborted', () => new AbortController().signal.throwIfAborted());
