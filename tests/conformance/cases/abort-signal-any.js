// AbortSignal.any() aborts with the first.
'use strict';
const { log } = require('../prelude');

const first = new AbortController();
const second = new AbortController();
const any = AbortSignal.any([first.signal, second.signal]);
any.addEventListener('abort', () => log('any', 'abort'));
log('any', 'aborted', any.aborted);
second.abort(new Error('second'));
first.abort(new Error('first'));
log('any', 'aborted', any.aborted, any.reason);
log('any', 'at once', AbortSignal.any([AbortSignal.abort(new Error('now'))]).aborted, AbortSignal.any([]).aborted);
