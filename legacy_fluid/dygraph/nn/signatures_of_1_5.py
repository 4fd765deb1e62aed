"""The constructors that layers had in 1.5 and 1.6, for `as_in_1_5`: each function is one, and does nothing."""


# fmt: off
def conv(name_scope, num_filters, filter_size, stride=1, padding=0, dilation=1, groups=None, param_attr=None,
         bias_attr=None, use_cudnn=True, act=None, dtype="float32"): ...


def conv_transpose(name_scope, num_filters, output_size=None, filter_size=None, padding=0, stride=1, dilation=1,
                   groups=None, param_attr=None, bias_attr=None, use_cudnn=True, act=None, dtype="float32"): ...


def pool2d(name_scope, pool_size=-1, pool_type="max", pool_stride=1, pool_padding=0, global_pooling=False,
           use_cudnn=True, ceil_mode=False, exclusive=True): ...


def fc(name_scope, size, num_flatten_dims=1, param_attr=None, bias_attr=None, act=None, is_test=False,
       dtype="float32"): ...


def embedding(name_scope, size, is_sparse=False, is_distributed=False, padding_idx=None, param_attr=None,
              dtype="float32"): ...


def bilinear_tensor_product(name_scope, size, name=None, act=None, param_attr=None, bias_attr=None): ...


def batch_norm(name_scope, num_channels, act=None, is_test=False, momentum=0.9, epsilon=1e-05, param_attr=None,
               bias_attr=None, dtype="float32", data_layout="NCHW", in_place=False, moving_mean_name=None,
               moving_variance_name=None, do_model_average_for_mean_and_var=False, fuse_with_relu=False,
               use_global_stats=False, trainable_statistics=False): ...


def layer_norm(name_scope, scale=True, shift=True, begin_norm_axis=1, epsilon=1e-05, param_attr=None, bias_attr=None,
               act=None): ...


def group_norm(name_scope, groups, epsilon=1e-05, param_attr=None, bias_attr=None, act=None, data_layout="NCHW"): ...


def spectral_norm(name_scope, dim=0, power_iters=1, eps=1e-12, name=None): ...


def prelu(name_scope, mode, param_attr=None): ...


def gru_unit(name_scope, size, param_attr=None, bias_attr=None, activation="tanh", gate_activation="sigmoid",
             origin_mode=False, dtype="float32"): ...


def nce(name_scope, num_total_classes, sample_weight=None, param_attr=None, bias_attr=None, num_neg_samples=None,
        sampler="uniform", custom_dist=None, seed=0, is_sparse=False): ...


def tree_conv(name_scope, output_size, num_filters=1, max_depth=2, act="tanh", param_attr=None, bias_attr=None,
              name=None): ...
