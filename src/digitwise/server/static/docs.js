// The API's description, as a page: openapi.json in, elements out.

const CURL = {
  "image/*": "-H 'Content-Type: image/png' --data-binary @seven.png",
  "application/pdf": "-H 'Content-Type: application/pdf' --data-binary @sheets.pdf",
  "multipart/form-data": "-F file=@seven.png -F file=@eight.png",
  "application/json": "-H 'Content-Type: application/json' --data @image.json",
};
const COLLECT = "-F image=@seven.png -F label=7";

function element(tag, text, children = []) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

// A schema in a few words: `string or null`, `list of integer`, `Readings`.
function words(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map(words).join(" or ");
  if (schema.enum) return schema.enum.map((value) => `"${value}"`).join(", ");
  if (schema.const !== undefined) return `"${schema.const}"`;
  if (schema.type === "array") return `list of ${size(schema)}${words(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties) return `object of ${words(schema.additionalProperties)}`;
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    return `${schema.type} ${schema.minimum} to ${schema.maximum}`;
  }
  return schema.contentMediaType ?? schema.type ?? "anything";
}

function size({ minItems, maxItems }) {
  if (maxItems === undefined) return "";
  return minItems === maxItems ? `${maxItems} × ` : `at most ${maxItems} × `;
}

function table(head, rows) {
  const cells = (row, tag) => element("tr", "", row.map((cell) => element(tag, cell)));
  const body = element("tbody", "", rows.map((row) => cells(row, "td")));
  const made = element("table", "", [element("thead", "", [cells(head, "th")]), body]);
  made.querySelectorAll("th").forEach((cell) => cell.setAttribute("scope", "col"));
  const wide = element("div", "", [made]);
  wide.className = "wide";
  return wide;
}

function example(path, method, operation) {
  const token = operation.security ? ` -H "Authorization: Bearer $TOKEN"` : "";
  const url = new URL(path.slice(1), document.baseURI).href;
  if (method === "get") return [`curl${token} ${url}`];
  const kinds = Object.keys(operation.requestBody.content);
  return kinds.map((kind) => `curl${token} ${url} ${path === "/v1/collect" ? COLLECT : CURL[kind]}`);
}

function section(path, method, operation) {
  const title = element("h2", "", [element("code", `${method.toUpperCase()} ${path}`)]);
  const made = element("section", "", [title, element("p", operation.summary + ".")]);
  if (operation.description) made.append(element("p", operation.description));
  if (operation.security) made.append(element("p", "Asks for the token."));
  made.append(element("pre", "", [element("code", example(path, method, operation).join("\n"))]));
  const parameters = operation.parameters ?? [];
  if (parameters.length) {
    const rows = parameters.map((each) => [`?${each.name}`, words(each.schema), each.description]);
    made.append(table(["Parameter", "Value", "Meaning"], rows));
  }
  if (operation.requestBody) {
    const rows = Object.entries(operation.requestBody.content).map(([kind, body]) => [kind, fields(body.schema)]);
    made.append(table(["Body", "Content"], rows));
  }
  const rows = Object.entries(operation.responses).map(([status, response]) => {
    const [kind, body] = Object.entries(response.content)[0];
    return [status, `${kind}: ${words(body.schema)}`, response.description];
  });
  made.append(table(["Status", "Answer", "Meaning"], rows));
  return made;
}

function fields(schema) {
  if (!schema.properties) return words(schema);
  return Object.entries(schema.properties).map(([name, each]) => `${name}: ${words(each)}`).join("; ");
}

// Properties with those of lists and objects in them, as `lines[].digits[].label`.
function properties(schema, prefix = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, each]) => {
    const inner = each.type === "array" ? each.items : each;
    const path = prefix + name + (each.type === "array" && inner.properties ? "[]" : "");
    if (inner.properties) return properties(inner, path + ".");
    const optional = schema.required?.includes(name) ? "" : " (optional)";
    return [[path, words(each) + optional]];
  });
}

const answer = await fetch("openapi.json");
const api = await answer.json();
document.getElementById("about").textContent = api.info.description;
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    document.getElementById("paths").append(section(path, method, operation));
  }
}
for (const [name, schema] of Object.entries(api.components.schemas)) {
  const rows = schema.properties ? properties(schema) : [[name, words(schema)]];
  document.getElementById("schemas").append(element("h3", name), table(["Member", "Value"], rows));
}
