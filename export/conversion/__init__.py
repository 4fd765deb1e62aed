"""From a Paddle program to a validated ONNX file, in the order in which a model goes through it.

paddle_model, paddle_files, tensor_files    a program with its parameters: run, read, written
fluid_model, jit_model, saved_model         the same out of what fluid 1.x saved, and paddle.jit in Paddle 2
signature, probe                            names and shapes of its ends, and inputs that suit it
rewrite, unroll, operator_rules, site       fluid's operators in those that paddle2onnx knows
refusals                                    those that have no match, and the way out
translate, translate_process                paddle2onnx, in a process of its own
sequences, sequence_functions               what fluid computes over sequences, as ONNX functions
graph, simplify, fold, naming               the ONNX graph, made small, exact and legible
widen, for_processor                        the same rewritten for the processor that runs it
compare, validate                           proof that it is the same model
convert, from_saved                         the whole way, for a run and for what was saved elsewhere
"""
