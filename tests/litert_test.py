import math

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from privynet_tf import cost, fen, images, litert
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

SOME = FenTopology(
    "vgg16", 6, range(8), {"block1_conv1": range(24), "block1_conv2": range(16), "block2_conv1": range(20)}
)
OPERATIONS = {
    "caffe": {"CAST", "ADD", "CONV_2D", "MAX_POOL_2D", "QUANTIZE", "DEQUANTIZE"},
    "per_image": {"CAST", "CONV_2D", "MAX_POOL_2D", "QUANTIZE", "DEQUANTIZE"}
    | {"MEAN", "SUB", "SQUARED_DIFFERENCE", "SQRT", "MAXIMUM", "DIV"},
}


@pytest.fixture(scope="module")
def many(photos):
    return np.concatenate([np.roll(photos, shift, axis=2) for shift in range(25)])


@pytest.fixture(scope="module")
def converted(many):
    """(FEN, content) by preprocessing and format; a content is a conversion of a second or two."""
    made = {}
    for preprocessing in fen.PREPROCESSING:
        model = fen.build(SOME, "embedded", preprocessing)
        for number_format in cost.FORMATS:
            made[preprocessing, number_format] = model, litert.convert(model, number_format, many)
    return made


def _interpreter(content):
    """As the file has it: XNNPACK would replace operations by its own."""
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    return interpreter


@pytest.mark.parametrize("number_format", cost.FORMATS)
@pytest.mark.parametrize("preprocessing", fen.PREPROCESSING)
def test_only_operations_of_litert(converted, preprocessing, number_format):
    _, content = converted[preprocessing, number_format]
    names = {details["op_name"] for details in _interpreter(content)._get_ops_details()}
    assert {"CONV_2D", "MAX_POOL_2D"} <= names <= OPERATIONS[preprocessing]  # so none is "Flex..."
    assert b"Flex" not in content


@pytest.mark.parametrize("number_format", cost.FORMATS)
def test_uint8_image_in_float32_representation_out(converted, number_format):
    interpreter = _interpreter(converted["caffe", number_format][1])
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["dtype"], given["dtype"]) == (np.uint8, np.float32)
    assert taken["shape"].tolist() == [1, 32, 32, 3]
    assert taken["shape_signature"].tolist() == [-1, 32, 32, 3]
    assert given["shape"].tolist() == [1, 8, 8, 8]


@pytest.mark.parametrize("preprocessing", fen.PREPROCESSING)
def test_float_models_agree_with_keras(converted, many, preprocessing):
    model, content = converted[preprocessing, "float32"]
    expected = fen.apply(model, many)
    actual = litert.load(content)(many)
    assert expected.max() > 1
    assert abs(actual - expected).max() <= 1e-4 * expected.max()
    actual = litert.load(converted[preprocessing, "float16"][1])(many)
    assert abs(actual - expected).max() <= 1e-2 * expected.max()


def test_int8_is_integers_throughout(converted):
    interpreter = _interpreter(converted["caffe", "int8"][1])
    tensors = {details["index"]: details for details in interpreter.get_tensor_details()}
    for operation in interpreter._get_ops_details():
        types = {tensors[index]["dtype"] for index in (*operation["inputs"], *operation["outputs"])}
        if operation["op_name"] not in ("QUANTIZE", "DEQUANTIZE"):
            assert types <= {np.int8, np.int32}, operation["op_name"]


@pytest.mark.parametrize(("preprocessing", "limit"), [("caffe", 0.05), ("per_image", 0.2)])
def test_int8_is_near_keras(converted, many, preprocessing, limit):
    """Where the reversal of colours is left to the converter it is 0.4 from it."""
    model, content = converted[preprocessing, "int8"]
    error = litert.rms_error(fen.apply(model, many), litert.load(content)(many))
    assert 1e-3 < error < limit


def test_int8_on_real_images(imagenet_weights, tfds_dir):
    """Ranges from 200 training images, error on test images: what docs/decisions.md says."""
    source = images.load("cifar10", 32, tfds_dir)
    model = fen.build(FenTopology("vgg16", 6, range(8)), str(imagenet_weights))
    representative = litert.representative_images(source, images.Selection("train"))
    assert representative.shape == (200, 32, 32, 3)
    test_images, _ = images.arrays(source, images.Selection("test", max_images=200))
    apply = litert.load(litert.convert(model, "int8", representative))
    expected = fen.apply(model, test_images)
    assert litert.rms_error(expected, apply(test_images)) < 0.02
    assert litert.largest_error(expected, apply(test_images)) < 0.03


@pytest.mark.parametrize("number_format", cost.FORMATS)
def test_any_number_of_images(converted, many, number_format):
    apply = litert.load(converted["caffe", number_format][1], threads=1)
    singly = np.concatenate([apply(image[None]) for image in many[:5]])
    assert singly.any()
    for count in (5, 2, 5):
        np.testing.assert_array_equal(apply(many[:count]), singly[:count])


def test_what_is_returned_stays(converted, photos):
    apply = litert.load(converted["caffe", "float32"][1])
    first = apply(photos)
    kept = first.copy()
    apply(255 - photos)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("number_format", ["float32", "int8"])
def test_peak_activations_are_those_of_the_file(converted, number_format):
    """The largest sum of what an operation of the file reads and writes, but for constants."""
    interpreter = _interpreter(converted["caffe", number_format][1])
    tensors = {details["index"]: details for details in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()
    computed = {index for operation in operations for index in operation["outputs"]}
    computed |= {details["index"] for details in interpreter.get_input_details()}

    def size(index):
        return math.prod(tensors[index]["shape"].tolist()) * np.dtype(tensors[index]["dtype"]).itemsize

    peak = max(
        sum(size(index) for index in {*operation["inputs"], *operation["outputs"]} & computed)
        for operation in operations
    )
    assert cost.peak_activation_bytes(SOME, 32, number_format) == peak


@pytest.mark.parametrize("image_size", [27, 40])
def test_other_image_sizes(image_size):
    model = fen.build(SOME, "embedded", image_size=image_size)
    batch = np.random.default_rng(0).integers(0, 256, (3, image_size, image_size, 3), dtype=np.uint8)
    expected = fen.apply(model, batch)
    actual = litert.load(litert.convert(model, "float32"))(batch)
    assert actual.shape == (3, *SOME.output_shape(image_size))
    assert litert.largest_error(expected, actual) < 1e-4


def test_conversion_leaves_the_fen_as_it_was(photos):
    model = fen.build(FenTopology("vgg16", 1, (0, 1)), "embedded")
    before = fen.apply(model, photos)
    litert.convert(model, "float32")
    np.testing.assert_array_equal(fen.apply(model, photos), before)


def test_errors_are_relative():
    expected, actual = np.array([0.0, 4.0, -8.0]), np.array([0.0, 4.0, -7.0])
    assert litert.largest_error(expected, actual) == 1 / 8
    assert litert.rms_error(expected, actual) == math.sqrt(1 / 80)
    assert litert.largest_error(np.zeros(2), np.zeros(2)) == 0
    assert litert.rms_error(np.zeros(2), np.ones(2)) == math.inf
    assert math.isnan(litert.largest_error(expected, np.array([0.0, math.nan, 0.0])))


@pytest.mark.parametrize(
    ("number_format", "change", "message"),
    [
        ("int4", lambda batch: batch, r"format must be one of \('float32', 'float16', 'int8'\).*'int4'"),
        ("int8", lambda batch: None, "at least 50 representative images.*Received: 0"),
        ("int8", lambda batch: batch[:49], "at least 50 representative images.*Received: 49"),
        ("int8", lambda batch: batch / 255, r"must be uint8 \[N, 32, 32, 3\].*float64 \[50, 32, 32, 3\]"),
        ("int8", lambda batch: batch[:, 1:], r"must be uint8 \[N, 32, 32, 3\].*uint8 \[50, 31, 32, 3\]"),
    ],
)
def test_bad_conversions(many, number_format, change, message):
    model = fen.build(FenTopology("vgg16", 1, (0,)), "embedded")
    with pytest.raises(InputError, match=message):
        litert.convert(model, number_format, change(many))


def test_bad_images(converted, photos):
    apply = litert.load(converted["caffe", "float32"][1])
    with pytest.raises(
        InputError, match=r"uint8 images \[N, 32, 32, 3\]. Received: float32 \[2, 32, 32, 3\]"
    ):
        apply(photos.astype(np.float32))
    with pytest.raises(InputError, match=r"Received: uint8 \[2, 16, 32, 3\]"):
        apply(photos[:, :16])


def test_no_litert_model():
    with pytest.raises(InputError, match="not a LiteRT model") as caught:
        litert.load(b"no model")
    assert "\n" not in str(caught.value)
