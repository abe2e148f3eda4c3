// What there is to know about the model and the service, said quietly.

import { byId } from "./dom.js";
import { some } from "./words.js";

const share = (value) => `${Number((value * 100).toPrecision(2))} %`;

function guaranteeOf({ policy, numbers }) {
  if (!policy) return "It has no error guarantee.";
  const most = `Of what is read at most ${share(policy.max_error)} is wrong, on digits such as those it was trained on`;
  const rest = numbers ? `; of the numbers in a photo at most ${share(numbers.max_error)}, on made photos` : "";
  return `${most}${rest}; what would break that is unsure.`;
}

function testOf({ metrics }) {
  const test = metrics?.test;
  if (!test) return "";
  const [low, high] = test.interval_95 ?? [];
  const range = low === undefined ? "" : ` (95 % interval ${share(low)} to ${share(high)})`;
  return `${test.errors} of ${some(test.n, "test image")} were read wrongly${range}.`;
}

/** Fill the footer and the links. */
export function tell(model, service) {
  const reader = `Read by ${model.name}, which knows ${model.classes.join(" ")}.`;
  byId("facts").textContent = [reader, guaranteeOf(model), testOf(model)].join(" ");
  byId("kept").textContent = [
    service.collect ? "Nothing is kept but images you choose a label for." : "Nothing you draw or bring is kept.",
    `digitwise ${service.version}`,
  ].join(" · ");
  byId("report").hidden = !service.report;
}
