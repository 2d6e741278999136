//! A module and its adapter as one component.
//!
//! The two need each other: the module imports functions of the adapter, and the adapter needs the module's memory
//! and functions. As `wit-component` does for its adapters, a *shim* breaks the circle: its functions, which the
//! module imports, call through a table that is filled once both exist. The adapter has a memory of its own; one that
//! does not reach the module's memory, because its compiler knows only one, gets a *bridge*, which copies between
//! the two.

use std::collections::BTreeMap;
use std::fmt::Write;

use wasm_encoder::{
    CanonicalOption, ComponentBuilder, ComponentExportKind, ComponentValType, ExportKind, ModuleArg,
    PrimitiveValType,
};

use crate::error::AdaptError;
use crate::module::{Face, Import, text_of};

/// What stands for one of the module's imports.
#[derive(Debug)]
pub(crate) enum Stand {
    /// A function that the adapter exports.
    Adapter(String),
    /// A function that answers this number and does nothing.
    Constant(i32),
}

/// Copies between the module's memory and the adapter's.
const BRIDGE: &str = r#"(module
  (import "main" "memory" (memory $main 0))
  (import "adapter" "memory" (memory $own 0))
  (func (export "read") (param $theirs i32) (param $ours i32) (param $len i32)
    (memory.copy $own $main (local.get $ours) (local.get $theirs) (local.get $len)))
  (func (export "write") (param $ours i32) (param $theirs i32) (param $len i32)
    (memory.copy $main $own (local.get $theirs) (local.get $ours) (local.get $len))))"#;
/// The type of the bridge's functions.
const BRIDGE_TYPE: &str = "(param i32 i32 i32) ";
/// Names of the bridge's functions.
const BRIDGE_FUNCTIONS: [&str; 2] = ["read", "write"];

/// A function behind the shim's table.
struct Slot {
    /// Its type in the text format.
    ty: String,
    parameters: usize,
    /// The instance that provides it.
    from: Provider,
    /// Its name there.
    name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider {
    Adapter,
    Bridge,
}

/// Makes the component. `stand` says what stands for each import of the module.
pub(crate) fn compose(
    main: &[u8],
    adapter: &[u8],
    stand: impl Fn(&Import) -> Result<Stand, AdaptError>,
) -> Result<Vec<u8>, AdaptError> {
    let (face, adapter_face) = (Face::of(main)?, Face::of(adapter)?);
    if !face.has_memory {
        return Err(AdaptError::Contract("it exports no memory".to_owned()));
    }
    let bridged = !adapter_face.borrows_memory;
    let shim = Shim::new(&face, bridged, stand)?;
    let mut builder = ComponentBuilder::default();

    let shim_instance = add(&mut builder, &shim.text()?, &[])?;
    let main_instance = {
        let module = builder.core_module_raw(None, main);
        let arguments = shim.arguments(&mut builder, &face, shim_instance);
        let arguments: Vec<(&str, ModuleArg)> =
            arguments.iter().map(|(name, at)| (name.as_str(), ModuleArg::Instance(*at))).collect();
        builder.core_instantiate(None, module, arguments)
    };
    let adapter_instance = {
        let module = builder.core_module_raw(None, adapter);
        let bridge = shim.bridge(&mut builder, shim_instance);
        let mut arguments = vec![("main", ModuleArg::Instance(main_instance))];
        arguments.extend(bridge.map(|instance| ("bridge", ModuleArg::Instance(instance))));
        builder.core_instantiate(None, module, arguments)
    };
    let bridge_instance = if bridged {
        let arguments = [("main", main_instance), ("adapter", adapter_instance)];
        Some(add(&mut builder, BRIDGE, &arguments)?)
    } else {
        None
    };
    shim.fill(&mut builder, shim_instance, adapter_instance, bridge_instance)?;

    lift(&mut builder, adapter_instance, adapter_face.exports("cabi_post_apply"));
    Ok(builder.finish())
}

/// Adds a module written as text and an instance of it.
fn add(builder: &mut ComponentBuilder, text: &str, arguments: &[(&str, u32)]) -> Result<u32, AdaptError> {
    let module = wat::parse_str(text).map_err(|error| AdaptError::Malformed(error.to_string()))?;
    let module = builder.core_module_raw(None, &module);
    let arguments: Vec<(&str, ModuleArg)> =
        arguments.iter().map(|(name, instance)| (*name, ModuleArg::Instance(*instance))).collect();
    Ok(builder.core_instantiate(None, module, arguments))
}

/// Exports the adapter's `apply` as `func(input: string) -> result<string, string>`.
fn lift(builder: &mut ComponentBuilder, adapter: u32, frees: bool) {
    let apply = builder.core_alias_export(None, adapter, "apply", ExportKind::Func);
    let memory = builder.core_alias_export(None, adapter, "memory", ExportKind::Memory);
    let realloc = builder.core_alias_export(None, adapter, "cabi_realloc", ExportKind::Func);
    let mut options =
        vec![CanonicalOption::UTF8, CanonicalOption::Memory(memory), CanonicalOption::Realloc(realloc)];
    if frees {
        let post = builder.core_alias_export(None, adapter, "cabi_post_apply", ExportKind::Func);
        options.push(CanonicalOption::PostReturn(post));
    }
    let text = ComponentValType::Primitive(PrimitiveValType::String);
    let (result, encoder) = builder.type_defined(None);
    encoder.result(Some(text), Some(text));
    let (function, mut encoder) = builder.type_function(None);
    encoder.params([("input", text)]).result(Some(ComponentValType::Type(result)));
    let lifted = builder.lift_func(None, apply, function, options);
    builder.export("apply", ComponentExportKind::Func, lifted, None);
}

/// The functions between a module and its adapter.
struct Shim {
    /// Functions behind the table: what stands for imports, then the bridge's.
    slots: Vec<Slot>,
    /// For each import of the module its slot, or the number it answers.
    imports: Vec<Result<usize, (String, i32)>>,
    bridged: bool,
}

impl Shim {
    fn new(
        face: &Face,
        bridged: bool,
        stand: impl Fn(&Import) -> Result<Stand, AdaptError>,
    ) -> Result<Self, AdaptError> {
        let (mut slots, mut imports) = (Vec::new(), Vec::new());
        for import in &face.imports {
            let ty = text_of(&import.ty)?;
            match stand(import)? {
                Stand::Adapter(name) => {
                    imports.push(Ok(slots.len()));
                    let parameters = import.ty.params().len();
                    slots.push(Slot { ty, parameters, from: Provider::Adapter, name });
                }
                Stand::Constant(number) => imports.push(Err((ty, number))),
            }
        }
        if bridged {
            slots.extend(BRIDGE_FUNCTIONS.map(|name| Slot {
                ty: BRIDGE_TYPE.to_owned(),
                parameters: 3,
                from: Provider::Bridge,
                name: name.to_owned(),
            }));
        }
        Ok(Self { slots, imports, bridged })
    }

    /// The shim module: a table, a function `sN` for each of its slots, and a function `cN` for each import that
    /// answers a number.
    fn text(&self) -> Result<String, AdaptError> {
        let count = self.slots.len();
        let mut text = format!("(module (table (export \"table\") {count} {count} funcref)\n");
        for (at, Slot { ty, parameters, .. }) in self.slots.iter().enumerate() {
            let arguments: String = (0..*parameters).map(|n| format!("local.get {n} ")).collect();
            let call = format!("{arguments}i32.const {at} call_indirect (type $t{at})");
            let function =
                format!("(type $t{at} (func {ty})) (func (export \"s{at}\") (type $t{at}) {call})");
            writeln!(text, "{function}").map_err(unwritable)?;
        }
        for (at, import) in self.imports.iter().enumerate() {
            if let Err((ty, number)) = import {
                writeln!(text, "(func (export \"c{at}\") {ty} i32.const {number})").map_err(unwritable)?;
            }
        }
        text.push(')');
        Ok(text)
    }

    /// One instance for each module name that the module imports from.
    fn arguments(&self, builder: &mut ComponentBuilder, face: &Face, shim: u32) -> Vec<(String, u32)> {
        let mut by_module: BTreeMap<&str, Vec<(&str, ExportKind, u32)>> = BTreeMap::new();
        for (at, (import, stands)) in face.imports.iter().zip(&self.imports).enumerate() {
            let name = match stands {
                Ok(slot) => format!("s{slot}"),
                Err(_) => format!("c{at}"),
            };
            let function = builder.core_alias_export(None, shim, &name, ExportKind::Func);
            let exports = by_module.entry(&import.module).or_default();
            // A module may import one function twice.
            if exports.iter().all(|(known, ..)| *known != import.name) {
                exports.push((&import.name, ExportKind::Func, function));
            }
        }
        by_module
            .into_iter()
            .map(|(module, exports)| (module.to_owned(), builder.core_instantiate_exports(None, exports)))
            .collect()
    }

    /// The bridge as the adapter sees it.
    fn bridge(&self, builder: &mut ComponentBuilder, shim: u32) -> Option<u32> {
        let mut exports = Vec::new();
        for (at, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.from == Provider::Bridge) {
            let function = builder.core_alias_export(None, shim, &format!("s{at}"), ExportKind::Func);
            exports.push((slot.name.as_str(), ExportKind::Func, function));
        }
        self.bridged.then(|| builder.core_instantiate_exports(None, exports))
    }

    /// Puts the functions into the table.
    fn fill(
        &self,
        builder: &mut ComponentBuilder,
        shim: u32,
        adapter: u32,
        bridge: Option<u32>,
    ) -> Result<(), AdaptError> {
        let count = self.slots.len();
        let mut text = format!("(module (import \"shim\" \"table\" (table {count} funcref))\n");
        let mut exports = Vec::new();
        let names: Vec<String> = (0..count).map(|at| at.to_string()).collect();
        for (at, (slot, name)) in self.slots.iter().zip(&names).enumerate() {
            let instance = if slot.from == Provider::Adapter { adapter } else { bridge.unwrap_or(adapter) };
            let function = builder.core_alias_export(None, instance, &slot.name, ExportKind::Func);
            exports.push((name.as_str(), ExportKind::Func, function));
            writeln!(text, "(import \"functions\" \"{at}\" (func {}))", slot.ty).map_err(unwritable)?;
        }
        writeln!(text, "(elem (i32.const 0) func {}))", names.join(" ")).map_err(unwritable)?;
        let functions = builder.core_instantiate_exports(None, exports);
        add(builder, &text, &[("shim", shim), ("functions", functions)])?;
        Ok(())
    }
}

fn unwritable(error: std::fmt::Error) -> AdaptError {
    AdaptError::Malformed(error.to_string())
}
