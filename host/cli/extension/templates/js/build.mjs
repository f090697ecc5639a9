// Makes a component of detector.js: `npm run build`.

import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const { component } = await componentize({
  sourcePath: 'detector.js',
  witPath: 'wit',
  worldName: 'detector',
  // There is no network, and a component that asks for one is not loaded.
  disableFeatures: ['http', 'fetch-event'],
});
await writeFile('my-extension.wasm', component);
