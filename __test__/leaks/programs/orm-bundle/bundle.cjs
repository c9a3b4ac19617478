/******/ (() => { // webpackBootstrap
/******/ 	var __webpack_modules__ = ({

/***/ 214:
/***/ ((module, __unused_webpack_exports, __webpack_require__) => {

const { Entity } = __webpack_require__(387);

class EntityManager {
  constructor(driver) {
    this.driver = driver;
    this.identityMap = {};
  }

  async find(kind, id) {
    const key = kind + '#' + id;
    const managed = this.identityMap[key];
    if (managed) return managed;
    const row = await this.driver.select(kind, id);
    return (this.identityMap[key] = new Entity(kind, row));
  }
}

module.exports = { EntityManager };

/***/ }),

/***/ 387:
/***/ ((module) => {

class Entity {
  constructor(kind, row) {
    this.kind = kind;
    this.row = row;
    this.original = { ...row };
    this.dirty = false;
  }
}

module.exports = { Entity };

/***/ }),

/***/ 590:
/***/ ((module) => {

module.exports = {
  async select(kind, id) {
    return { id, kind, name: kind + ' ' + id, price: id * 1.5, updated: new Date(id) };
  }
};

/***/ })

/******/ 	});
/******/ 	var __webpack_module_cache__ = {};
/******/ 	function __webpack_require__(moduleId) {
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		var module = __webpack_module_cache__[moduleId] = { exports: {} };
/******/ 		__webpack_modules__[moduleId](module, module.exports, __webpack_require__);
/******/ 		return module.exports;
/******/ 	}
var __webpack_exports__ = {};
(() => {
const { EntityManager } = __webpack_require__(214);
const driver = __webpack_require__(590);
const entityManager = new EntityManager(driver);
let next = 0;
__webpack_exports__.load = async function load(count) {
  for (let n = 0; n < count; n++) {
    next++;
    await entityManager.find('product', next);
    await entityManager.find('product', 1);
  }
};
})();
module.exports = __webpack_exports__;
/******/ })();
