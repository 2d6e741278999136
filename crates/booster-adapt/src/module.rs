//! What a core module imports and exports.

use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};

use crate::error::AdaptError;

/// Most functions that a module may import.
const MAX_IMPORTS: usize = 200;

/// An imported function.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) ty: FuncType,
}

/// The outer face of a core module.
#[derive(Debug, Default)]
pub(crate) struct Face {
    pub(crate) imports: Vec<Import>,
    pub(crate) functions: Vec<String>,
    /// Whether it exports a memory as `memory`.
    pub(crate) has_memory: bool,
    /// Whether it imports a memory.
    pub(crate) borrows_memory: bool,
}

impl Face {
    pub(crate) fn of(wasm: &[u8]) -> Result<Self, AdaptError> {
        let malformed = |error: wasmparser::BinaryReaderError| AdaptError::Malformed(error.to_string());
        let mut face = Self::default();
        let mut types: Vec<Option<FuncType>> = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(malformed)? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group.map_err(malformed)?.into_types() {
                            types.push(match ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(ty) => Some(ty),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        face.add_import(import.map_err(malformed)?, &types)?;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.map_err(malformed)?;
                        match export.kind {
                            ExternalKind::Func => face.functions.push(export.name.to_owned()),
                            ExternalKind::Memory => face.has_memory |= export.name == "memory",
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(face)
    }

    fn add_import(
        &mut self,
        import: wasmparser::Import<'_>,
        types: &[Option<FuncType>],
    ) -> Result<(), AdaptError> {
        let (module, name) = (import.module.to_owned(), import.name.to_owned());
        match import.ty {
            TypeRef::Func(index) => {
                let ty = types.get(index as usize).cloned().flatten();
                let ty = ty.ok_or_else(|| AdaptError::Malformed(format!("`{name}` has no function type")))?;
                self.imports.push(Import { module, name, ty });
            }
            TypeRef::Memory(_) => self.borrows_memory = true,
            _ => {
                let offered = "only functions are";
                return Err(AdaptError::Import { module, name, offered });
            }
        }
        if self.imports.len() > MAX_IMPORTS {
            return Err(AdaptError::Contract(format!("it imports more than {MAX_IMPORTS} functions")));
        }
        Ok(())
    }

    pub(crate) fn exports(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function == name)
    }
}

/// A function type in the text format: `(param i32 i32) (result i32)`.
pub(crate) fn text_of(ty: &FuncType) -> Result<String, AdaptError> {
    let list = |kind: &str, types: &[ValType]| -> Result<String, AdaptError> {
        let names = types.iter().map(|ty| match ty {
            ValType::I32 => Ok("i32"),
            ValType::I64 => Ok("i64"),
            ValType::F32 => Ok("f32"),
            ValType::F64 => Ok("f64"),
            other => Err(AdaptError::Contract(format!("it imports a function with the type {other}"))),
        });
        let names: Vec<&str> = names.collect::<Result<_, _>>()?;
        Ok(if names.is_empty() { String::new() } else { format!("({kind} {}) ", names.join(" ")) })
    };
    Ok(format!("{}{}", list("param", ty.params())?, list("result", ty.results())?))
}
