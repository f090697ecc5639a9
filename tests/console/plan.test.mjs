// Where the boxes of a graph's plan stand.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {compact, nodesOf, place} from '../../host/console/plan.js';

const topology = {properties: {
  sources: [{'@type': '#Microsoft.Media.MediaGraphRtspSource', name: 'camera'}],
  processors: [
    {'@type': '#Microsoft.Media.MediaGraphMotionDetectionProcessor', name: 'motion', inputs: [{nodeName: 'camera'}]},
    {'@type': '#Microsoft.Media.MediaGraphSignalGateProcessor', name: 'gate', inputs: [{nodeName: 'motion'}, {nodeName: 'camera'}]},
  ],
  sinks: [{'@type': '#Microsoft.Media.MediaGraphAssetSink', name: 'recorder', inputs: [{nodeName: 'gate'}]}],
}};

test('a node stands to the right of all that it reads', () => {
  const nodes = nodesOf(topology);
  const {places, size} = place(nodes);
  for (const {name, inputs} of nodes) {
    for (const input of inputs) assert.ok(places.get(input).x < places.get(name).x, `${input}, ${name}`);
  }
  const right = Math.max(...[...places.values()].map(({x}) => x));
  assert.ok(right < size.width);
});

test('two in a column do not touch', () => {
  const sinks = ['one', 'two'].map(name => ({name, inputs: [{nodeName: 'camera'}]}));
  const {places} = place(nodesOf({properties: {...topology.properties, sinks, processors: []}}));
  assert.equal(places.get('one').x, places.get('two').x);
  assert.ok(Math.abs(places.get('one').y - places.get('two').y) > 78);
});

test('a circle, which no topology has, does not keep the plan from ending', () => {
  const processors = [['a', 'b'], ['b', 'a']].map(([name, from]) => ({name, inputs: [{nodeName: from}]}));
  assert.equal(place(nodesOf({properties: {processors}})).places.size, 2);
});

test('large figures are short', () => {
  assert.equal(compact(9999), '9999');
  assert.equal(compact(1234567), '1.2M');
});
