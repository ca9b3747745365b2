// Makes expressions from a seed and evaluates them with the reference implementation, jsonata-js.
//
//     node engine/tests/jsonata/differential.mjs SEED COUNT > cases.ndjson
//
// Each line is a case: the expression, and what it gives (`result`, `undefined`, `function`, or the `code` and the
// `message` of its error; `stumbles` where JavaScript fails without a code). `cargo test -p asl-engine jsonata` compares a recorded sample; the variable JSONATA_CASES
// names a file to compare instead.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import fs from "node:fs";

const require = createRequire(new URL("../../../tests/tools/package.json", import.meta.url));

// The items of an array and the values of an object are evaluated at the same time there, and of several errors the
// one that comes up first wins: a race. Here they are evaluated one after the other.
const source = fs.readFileSync(require.resolve("jsonata"), "utf8");
const inOrder = source.replaceAll("await Promise.all(", "await inOrder(").replaceAll(/\.map\(async \((item|key), idx\)/g, ".map(($1, idx) => async ()").replaceAll(/=> async \(\) => \{/g, "=> async () => {");
const preamble = "async function inOrder(tasks) { const done = []; for (const task of tasks) done.push(await task()); return done; }";
const module = { exports: {} };
new Function("module", "exports", `${preamble}\n${inOrder}`)(module, module.exports);
const jsonata = module.exports;

// A function remembers the name that it was last called by, over expressions; messages show that name.
const builtins = [...source.matchAll(/staticFrame\.bind\('(\w+)'/g)].map((match) => match[1]);
const definitions = await jsonata(`[${builtins.map((name) => `$${name}`).join(", ")}]`).evaluate();
const forgetNames = () => definitions.forEach((definition, at) => (definition.token = builtins[at]));

const data = JSON.parse(fs.readFileSync(fileURLToPath(new URL("differential.json", import.meta.url)), "utf8"));

// mulberry32
let state = Number(process.argv[2] ?? 1);
function random() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
const below = (count) => Math.floor(random() * count);
const one = (...choices) => choices[below(choices.length)];
const often = (probability) => random() < probability;

const names = ["a", "b", "c", "items", "n", "s", "o", "list", "nested", "none", "t", "f", "nil", "one", "e", "words", "`2`"];
const texts = ['"abc"', '"a-b_c.d~e"', '"Hello World"', '""', '"12"', '"-1.5e3"', '"é😀x"', '"a,b,,c"', '"%41%zz"', '"2018-03-23"', '"x=1&y= 2"', '" pad\\t "', '"0x1F"'];
const numbers = ["0", "1", "2", "3", "-1", "0.5", "-2.5", "10", "100", "1e3", "1234567.891", "1e21", "9007199254740993", "0.1", "3.14159", "-0"];
const variables = ["$v", "$w", "$", "$$", "$i"];
const regexes = ["/a/", "/[a-z]+/", "/(l+)(o)?/i", "/x*/", "/(\\w)\\1/", "/^H/m", "/\\s+/", "/b|(c)/", "/[,.]/", "/(?=o)o/", "/\\d+/"];
const pictures = ['"#,##0.00"', '"0"', '"000"', '"#0.###"', '"0.0%"', '"#,###"', '"##0.0;(0.0)"', '"0.00e0"', '"01"', '"9,99"', '"abc"', '"0.0.0"'];
const integers = ['"w"', '"W;o"', '"Ww"', '"i"', '"I"', '"A"', '"a"', '"0"', '"000"', '"#,##0"', '"0;o"', '"#:##,#0"', '"x"', '"١"'];
const times = ['"[Y0001]-[M01]-[D01]"', '"[D1o] [MNn] [Y]"', '"[FNn,3-3], [h]:[m01] [PN]"', '"[H01][m01][s01].[f001][Z]"', '"W[W01]-[X0001] [w] [x]"', '"[d] [Yi] [M,2] [Y,2-2] [F1]"', '"[z]"', '"[[x]]"', '"[q]"', '"[DN]"', '"[Z01:01t]"', '"[Yw] [Mw;o]"'];

function path(depth) {
    let text = one(...names, "$v", "$", "*", "**");
    for (let steps = below(3); steps > 0; steps--) {
        text += one("." + one(...names), "." + one(...names), ".*", ".%", "." + one("$string()", "$type()", "($)", "[$]", '{"k": $}', "$count()"), one("[0]", "[-1]", "[]", "[1]", `[${expression(depth - 2)}]`), "^(n)", "^(>s, n)", "#$i", "@$v", `.(${expression(depth - 2)})`);
    }
    return text;
}

const call = {
    string: (x) => one(`$string(${x()})`, `$string(${x()}, true)`),
    length: (x) => `$length(${x()})`,
    substring: (x) => `$substring(${one(...texts, x())}, ${one(...numbers)}${often(0.5) ? ", " + one(...numbers) : ""})`,
    before: (x) => `$substring${one("Before", "After")}(${one(...texts, x())}, ${one('"a"', '"-"', '""', x())})`,
    case: (x) => `$${one("upper", "lower")}case(${one(...texts, x())})`,
    trim: (x) => `$trim(${one(...texts, x())})`,
    pad: (x) => `$pad(${one(...texts, x())}, ${one("5", "-8", "0", "12", "2.5")}${often(0.5) ? ', "#-"' : ""})`,
    contains: (x) => `$contains(${one(...texts, x())}, ${one(...texts, ...regexes)})`,
    split: (x) => `$split(${one(...texts, x())}, ${one('","', '"a"', ...regexes)}${often(0.3) ? ", " + one("0", "1", "2", "-1") : ""})`,
    join: (x) => `$join(${one("words", '["a","b"]', x())}${often(0.5) ? ", " + one('"-"', '""', x()) : ""})`,
    match: (x) => `$match(${one(...texts, x())}, ${one(...regexes)}${often(0.3) ? ", " + one("0", "1", "2", "-1") : ""})`,
    replace: (x) => `$replace(${one(...texts, x())}, ${one('"a"', '"l"', ...regexes)}, ${one('"-"', '"$1x$0$$"', '"$2"', '"$12"', "function($m){$uppercase($m.match)}", x())}${often(0.3) ? ", " + one("0", "1", "2", "-1") : ""})`,
    number: (x) => `$number(${one(...texts, x())})`,
    math: (x) => `$${one("abs", "floor", "ceil", "round", "sqrt")}(${one(...numbers, x())})`,
    round: (x) => `$round(${one(...numbers, x())}, ${one("0", "1", "2", "-2")})`,
    power: (x) => `$power(${one("2", "10", "-2", x())}, ${one("2", "3", "0", "-1")})`,
    base: (x) => `$formatBase(${one(...numbers, x())}, ${one("2", "16", "36", "8", "1", "10")})`,
    formatNumber: () => `$formatNumber(${one(...numbers.filter((n) => !/^-|^0$/.test(n)))}, ${one(...pictures)})`,
    formatInteger: (x) => `$formatInteger(${one("0", "1", "12", "99.9", "-3", "1984", "123456", x())}, ${one(...integers)})`,
    parseInteger: () => `$parseInteger(${one('"12"', '"XII"', '"twelve"', '"one hundred and five"', '"ab"', '"1,234"', '"1st"', '"c"')}, ${one(...integers)})`,
    fromMillis: () => `$fromMillis(${one("0", "1521801216617", "-86400000", "951782400000", "1e15")}${often(0.8) ? ", " + one(...times) + (often(0.4) ? ", " + one('"+0100"', '"-0530"', '"0000"', '"abc"') : "") : ""})`,
    toMillis: () => one(`$toMillis(${one('"1970-01-01T00:00:00.001Z"', '"2018"', '"2018-03"', '"2018-03-27"', '"2018-03-27T14:03:00.123Z"', '"2018-03-27T14:03:00+0100"', '"2018-03-27T14:03:00-05:30"', '"foo"', '"2018-13-01"', '"2018-02-30"')})`,
        `$toMillis(${one('"23-3-2018"', '"March 23 2018"', '"2018-082"', '"3:15 pm 1 May 2020"')}, ${one('"[D]-[M]-[Y]"', '"[MNn] [D] [Y]"', '"[Y]-[d]"', '"[h]:[m] [P] [D] [MNn] [Y]"')})`),
    sum: (x) => `$${one("sum", "max", "min", "average", "count")}(${one("list", "[1,2,3]", "items.n", x())})`,
    sort: (x) => one(`$sort(${one("list", "words", x())})`, `$sort(${one("items", "list", x())}, function($l, $r){${one("$l.n > $r.n", "$l < $r", "$l.s > $r.s")}})`),
    list: (x) => `$${one("reverse", "distinct", "count", "exists", "type", "boolean", "not", "keys", "spread")}(${x()})`,
    append: (x) => `$append(${x()}, ${x()})`,
    zip: (x) => `$zip(${x()}, ${x()})`,
    merge: (x) => `$merge(${one("items", "[o, {\"z\": 1}]", x())})`,
    lookup: (x) => `$lookup(${one("o", "items", x())}, ${one('"n"', '"a"', '"2"')})`,
    map: (x) => `$map(${x()}, ${lambda(x)})`,
    filter: (x) => `$filter(${x()}, ${lambda(x)})`,
    single: (x) => `$single(${x()}${often(0.7) ? ", " + lambda(x) : ""})`,
    reduce: (x) => `$reduce(${one("list", "words", x())}, function($x, $y${often(0.3) ? ", $z" : ""}){${one("$x + $y", "$x & $y", "$append($x, $y)", x())}}${often(0.3) ? ", " + x() : ""})`,
    sift: (x) => `$sift(${one("o", x())}, function($v, $k){${one("$v > 1", '$k = "n"', x())}})`,
    each: (x) => `$each(${one("o", x())}, function($v, $k){${one("$k & $v", "$v", x())}})`,
    url: (x) => `$${one("en", "de")}codeUrl${one("", "Component")}(${one(...texts, x())})`,
    error: (x) => one(`$error(${x()})`, `$assert(${x()}, "no")`),
    partial: () => one("$substring(?, 1)", "$add(?, 2)", "$map(?, $string)", "$join(?, \"-\")", "$power(2, ?)", "$string(?)") + one("(\"xyz\")", "(list)", ""),
    none: (x) => `$${one("nothing", "v", "a")}(${x()})`,
    name: (x) => `${one("sum", "string", "count")}(${x()})`,
};
const functions = Object.values(call);

function lambda(x) {
    return one(`function($v){${x()}}`, `function($v, $i){${x()}}`, "$string", "$uppercase", "$boolean", "function($v, $i, $w){$count($w) + $i}", "$sum", "function($v){$v}", "function($v)<s:s>{$v}", "function($v)<n-:n>{$v + 1}");
}

function expression(depth) {
    const x = () => expression(depth - 1);
    if (depth <= 0) {
        return one(one(...names), one(...texts), one(...numbers), "true", "false", "null", one(...variables), "[]", "{}");
    }
    switch (below(16)) {
        case 0: case 1: case 2: return path(depth);
        case 3: return `${x()} ${one("+", "-", "*", "/", "%")} ${x()}`;
        case 4: return `${x()} ${one("=", "!=", "<", "<=", ">", ">=", "in")} ${x()}`;
        case 5: return `${x()} ${one("and", "or", "&", "&")} ${x()}`;
        case 6: return `[${[...Array(below(4))].map(x).join(", ")}${often(0.2) ? (one("1", x())) : ""}]`.replace(/, ?([^,]*)\]$/, ", $1]");
        case 7: return `{${[...Array(below(3))].map(() => `${one('"k"', '"l"', '"7"', "s", x())}: ${x()}`).join(", ")}}`;
        case 8: return `(${x()} ? ${x()}${often(0.8) ? " : " + x() : ""})`;
        case 9: return `($v := ${x()}; ${x()})`;
        case 10: return one(`[${one("1..3", "n..5", "0..n", "3..1")}]`, `${one("items", "list", x())}^(${one("", "<", ">")}${one("n", "s", "$", x())})`, `-${one("n", x())}`, `${one("items", "o", x())}{${one("s", '"k"', x())}: ${x()}}`, `${one("items", "o", "list", x())} ~> |${one("$", "a", "**", "o")}|${one('{"z": 1}', '{"n": n + 1}', x())}${often(0.3) ? ', "s"' : ""}|`);
        case 11: return `${x()} ~> ${one("$string", "$sum", "$uppercase", "$count()", "$map($string)", "$join(\"-\")", "($uppercase ~> $trim)", "$substring(1)", lambda(x))}`;
        case 12: return one(`items@$v.${one("list", "o", "($v)")}${one("", "[$v.n = 1]", ".$v.n")}`, `items#$i${one("", "[$i > 0]", ".{\"i\": $i, \"n\": n}", "[n > 1]")}`, `items.o.${one("a", "%.n", "%.%.n", "(%)", "{\"p\": %.n}")}`, `nested.*${one("", "[0]", ".*", "[]")}`, `items[${one("n > 1", "s = \"x\"", "[0, 2]", "-1", x())}].n`);
        default: return one(...functions)(x);
    }
}

function plain(value) {
    let hasFunction = false;
    const text = JSON.stringify(value, (_key, item) => {
        if (typeof item === "function" || item?._jsonata_function || item?._jsonata_lambda) {
            hasFunction = true;
            return null;
        }
        return typeof item === "number" && !Number.isFinite(item) ? String(item) : item;
    });
    return hasFunction ? { function: true } : text === undefined ? { undefined: true } : { result: JSON.parse(text) };
}

for (let left = Number(process.argv[3] ?? 1000); left > 0; left--) {
    const expr = expression(1 + below(4)).toWellFormed?.() ?? "1";
    let given;
    forgetNames();
    try {
        const compiled = jsonata(expr);
        given = plain(await compiled.evaluate(structuredClone(data), { w: 3 }));
    } catch (error) {
        given = error.code ? { code: error.code, message: error.message } : { stumbles: String(error.message ?? error) };
    }
    process.stdout.write(JSON.stringify({ expr, ...given }) + "\n");
}
